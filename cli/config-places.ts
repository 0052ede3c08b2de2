/** Where each value of the configuration was written, by its path: for messages. */
export interface Places {
  /** Remembers where a value stands; what was known of it and of what is inside is forgotten. */
  set(path: readonly string[], place: string): void;
  /** Where a value stands, or else what holds it. */
  find(path: readonly string[]): string | undefined;
}

/** Knows no place yet. */
export function makePlaces(): Places {
  const places = new Map<string, string>();
  const keyOf = (path: readonly string[]): string => JSON.stringify(path).slice(1, -1);
  return {
    set(path, place) {
      const key = keyOf(path);
      for (const known of places.keys()) if (known.startsWith(`${key},`)) places.delete(known);
      places.set(key, place);
    },
    find(path) {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(keyOf(path.slice(0, length)));
        if (place !== undefined) return place;
      }
      return undefined;
    },
  };
}
