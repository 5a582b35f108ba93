/**
 * Does several things at a time and gives what comes of them one by one, in the order in which they were named.
 * @param atATime so many are under way at most; they are begun in order
 */
export async function* inOrder<Task, Result>(
  tasks: readonly Task[],
  atATime: number,
  run: (task: Task) => Promise<Result>,
): AsyncIterable<readonly [Task, Result]> {
  const slots = tasks.map((task) => ({ task, ...Promise.withResolvers<Result>() }))
  // Whoever waits for an earlier one hears of that first.
  for (const { promise } of slots) promise.catch(() => {})
  const waiting = slots.values()
  const work = async (): Promise<void> => {
    for (const { task, resolve, reject } of waiting) await run(task).then(resolve, reject)
  }
  for (let worker = 0; worker < atATime; worker++) void work()
  for (const { task, promise } of slots) yield [task, await promise]
}
