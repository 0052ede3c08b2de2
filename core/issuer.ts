/** Id of the one issuer that a deployment has so far. What is stored and sealed carries it, so that others can come. */
export const ISSUER = 1;
