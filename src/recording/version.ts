/** The version of this package, as a recording names it. (A spec compares it with package.json.) */
export const TINYP2P_VERSION = '0.1.0'
