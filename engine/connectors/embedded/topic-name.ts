const lengthMax = 249;

/** What is wrong with a topic's name by Kafka's rules, as the end of a sentence; undefined if it is legal. */
export function topicNameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return `must not be "${name}"`;
  if (name.length > lengthMax)
    return `has ${name.length} characters, at most ${lengthMax} are allowed`;
  const illegal = /[^a-zA-Z0-9._-]/u.exec(name)?.[0];
  if (illegal !== undefined) {
    return `contains ${JSON.stringify(illegal)}; only letters, digits, ".", "_" and "-" are allowed`;
  }
  return undefined;
}
