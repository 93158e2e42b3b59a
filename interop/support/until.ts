/** Looks again until the condition holds, for at most five seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 5_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
