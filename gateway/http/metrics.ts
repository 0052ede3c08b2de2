import { performance } from "node:perf_hooks";
import process from "node:process";

/** A request that was answered. */
export interface Observation {
  readonly method: string;
  /** Pattern of its path: a path itself may hold identifiers, and there is no end of them. */
  readonly endpoint: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** What Prometheus is told of the requests of both ports, by Hydra's names. */
export interface Metrics {
  observe(observation: Observation): void;
  /** The text exposition format, version 0.0.4. */
  render(): string;
}

/** Media type of `render`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Upper bounds of buckets, in seconds and in bytes. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

interface Histogram {
  /** By bucket, the last for what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

/** Of one method, endpoint and status. */
interface Series {
  readonly method: string;
  readonly status: number;
  readonly labels: string;
  total: number;
  readonly seconds: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
}

/** Makes the metrics of one process. They cost a request a look-up and a few additions; there are as many series as patterns, methods and statuses. */
export function makeMetrics(): Metrics {
  const all = new Map<string, Series>();
  return {
    observe({ method, endpoint, status, milliseconds, requestBytes, responseBytes }) {
      const labels = `code="${status}",endpoint="${endpoint}",method="${method}"`;
      let series = all.get(labels);
      if (series === undefined) {
        series = { method, status, labels, total: 0, seconds: empty(SECONDS), requestBytes: empty(BYTES), responseBytes: empty(BYTES) };
        all.set(labels, series);
      }
      series.total++;
      add(series.seconds, SECONDS, milliseconds / 1000);
      add(series.requestBytes, BYTES, requestBytes);
      add(series.responseBytes, BYTES, responseBytes);
    },
    render() {
      const series = [...all.values()];
      return [
        ...counter(
          "http_requests_total",
          "Requests that were answered.",
          series.map(({ labels, total }) => [labels, total] as const),
        ),
        ...counter("http_requests_statuses_total", "The same by class of status.", [...byClass(series)]),
        ...histogram("http_response_time_seconds", "Time from the head of a request to the end of its answer.", SECONDS, series, (each) => each.seconds),
        ...histogram("http_requests_duration_seconds", "The same, under Hydra's other name.", SECONDS, series, (each) => each.seconds),
        ...histogram("http_requests_size_bytes", "Size of the bodies of requests, as announced.", BYTES, series, (each) => each.requestBytes),
        ...histogram("http_response_size_bytes", "Size of the bodies of answers.", BYTES, series, (each) => each.responseBytes),
        ...ofProcess(),
        "",
      ].join("\n");
    },
  };
}

function empty(bounds: readonly number[]): Histogram {
  return { counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
}

function add(to: Histogram, bounds: readonly number[], value: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
  to.counts[bucket] = (to.counts[bucket] ?? 0) + 1;
  to.sum += value;
}

function byClass(series: readonly Series[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { method, status, total } of series) {
    const labels = `method="${method}",status_bucket="${Math.floor(status / 100)}xx"`;
    totals.set(labels, (totals.get(labels) ?? 0) + total);
  }
  return totals;
}

const head = (name: string, help: string, type: string): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

function counter(name: string, help: string, values: readonly (readonly [string, number])[]): string[] {
  return [...head(name, help, "counter"), ...values.map(([labels, value]) => `${name}{${labels}} ${value}`)];
}

function histogram(name: string, help: string, bounds: readonly number[], series: readonly Series[], of: (series: Series) => Histogram): string[] {
  const lines = head(name, help, "histogram");
  for (const each of series) {
    const { counts, sum } = of(each);
    let below = 0;
    for (const [i, count] of counts.entries()) {
      below += count;
      lines.push(`${name}_bucket{${each.labels},le="${bounds[i] ?? "+Inf"}"} ${below}`);
    }
    lines.push(`${name}_sum{${each.labels}} ${sum}`, `${name}_count{${each.labels}} ${each.total}`);
  }
  return lines;
}

function ofProcess(): string[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return [
    ...head("process_cpu_seconds_total", "CPU time of the process.", "counter"),
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    ...head("process_resident_memory_bytes", "Memory of the process.", "gauge"),
    `process_resident_memory_bytes ${rss}`,
    ...head("process_start_time_seconds", "When the process began, since the epoch.", "gauge"),
    `process_start_time_seconds ${performance.timeOrigin / 1000}`,
    ...head("nodejs_heap_size_used_bytes", "Heap of JavaScript objects.", "gauge"),
    `nodejs_heap_size_used_bytes ${heapUsed}`,
  ];
}
