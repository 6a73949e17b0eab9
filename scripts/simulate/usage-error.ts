/** What is wrong with the command line: a message without a stack. */
export class UsageError extends Error {}
