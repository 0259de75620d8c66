import { RE2JS } from 're2js';

/**
 * A regular expression with named groups, in the syntax of RE2: it takes linear time for any line, so that a pattern
 * from a spec cannot hold up the process that reads the lines.
 */
export interface LogPattern {
  /** The groups that took part in the first match, by name; null where the line does not match. */
  groupsOf(line: string): Readonly<Record<string, string>> | null;
}

/** @throws Error in words for people, when it is no such expression or names no group. */
export function compileLogPattern(source: string): LogPattern {
  const compiled = RE2JS.compile(source);
  if (Object.keys(compiled.namedGroups()).length === 0) {
    throw new Error('it has no named group; write (?<step>\\d+), for example');
  }
  return {
    groupsOf(line) {
      const matcher = compiled.matcher(line);
      if (!matcher.find()) return null;
      const groups = Object.entries(matcher.getNamedGroups()).filter((entry): entry is [string, string] => {
        return entry[1] !== null && entry[1] !== undefined;
      });
      return Object.fromEntries(groups);
    },
  };
}
