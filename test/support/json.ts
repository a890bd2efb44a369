const isOneEscape = (key: string): boolean => key.length === 1 && JSON.stringify(key).length > 3

/**
 * V8 since 13.6 (Node 24 to 26) reads a key that is written as one escape, such as `"\n"` or `"\u0000"`, as a backslash
 * when an object of the same shape had a backslash for its next key before. What a value is to come back from JSON as must
 * not have such keys.
 */
export const withoutEscapedKeys = (value: any): any =>
  Array.isArray(value)
    ? value.map(withoutEscapedKeys)
    : typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))
    ? Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !isOneEscape(key))
        .map(([key, member]) => [key, withoutEscapedKeys(member)])
    )
    : value
