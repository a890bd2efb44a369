/** Makes a value when it is first asked for. */
export const once = <A>(make: () => A): () => A => {
  let value: A | undefined
  return () => value ??= make()
}
