/** What is injected under these has no class of its own to be named by. */
export const CONFIG = Symbol('ApiConfig');
export const OBJECT_STORE = Symbol('ObjectStore');
export const DATABASE = Symbol('Database');
export const FAILPOINTS = Symbol('Failpoints');
