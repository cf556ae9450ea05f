/** The browser client of tidings. */

/** The version of this package. It is that of the hub which serves it. */
export const version = "0.1.0";
