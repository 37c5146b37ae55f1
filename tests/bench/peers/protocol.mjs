// The half of the protocol that the scripts for node share; __init__.py says what it is.

const PACE = 20 // milliseconds between two reports of a worker
const PATIENCE = 30_000

export const now = () => Number(process.hrtime.bigint()) // CLOCK_MONOTONIC, as in the other half
export const say = (words) => process.stdout.write(`${JSON.stringify(words)}\n`)
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Do the task of the command line.
export async function main(tasks) {
  const task = JSON.parse(process.argv[2])
  say((await tasks[task.task](task)) ?? {})
  process.exit(0) // a pool may keep the process alive for a while
}

export class Counter {
  done = 0
  first = null

  count(jobs) {
    this.first ??= now()
    this.done += jobs
  }

  report() {
    return { done: this.done, first: this.first }
  }
}

// Run a worker from the first line of standard input to its end. `start` returns what stops it.
export async function handleUntilTold(counter, start) {
  const told = new Promise((resolve) => process.stdin.once('data', resolve))
  const over = new Promise((resolve) => process.stdin.once('end', resolve))
  say({ ready: true })
  await told
  const stop = await start()
  let said = -1
  const reporting = setInterval(() => {
    if (counter.done !== said) {
      said = counter.done
      say(counter.report())
    }
  }, PACE)
  await over
  clearInterval(reporting)
  await stop()
  return counter.report()
}

// Enqueue until the time is over: so many loops at once, or one with so many jobs a call.
export async function enqueueFor(task, single, bulk) {
  const size = task.bulk ?? 0
  const call = size ? () => bulk(size) : single
  await call() // connections and plans are made
  const started = now()
  const deadline = started + task.seconds * 1e9
  let jobs = 0
  const loop = async () => {
    while (now() < deadline) {
      await call()
      jobs += size || 1
    }
  }
  await Promise.all(Array.from({ length: size ? 1 : task.connections }, loop))
  return { jobs, seconds: (now() - started) / 1e9 }
}

// How long each of so many jobs takes from its enqueue to its handler. `picked` is told the time.
export class PickUps {
  #resolve = () => {}

  picked() {
    this.#resolve(now())
  }

  async measure(task, enqueue) {
    const ms = []
    await sleep(task.pause * 1000)
    for (let number = 0; number <= task.jobs; number++) {
      await sleep(task.pause * 1000)
      const picked = new Promise((resolve, reject) => {
        this.#resolve = resolve
        setTimeout(() => reject(new Error('no worker picked the job up')), PATIENCE).unref()
      })
      const started = now()
      await enqueue()
      const at = await picked
      if (number) ms.push((at - started) / 1e6) // the first one makes plans and connections
    }
    return { ms }
  }
}
