// graphile-worker with its local queue and batched completion, as its page on performance has it.

import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import { Counter, PickUps, enqueueFor, handleUntilTold, main } from './protocol.mjs'

const BULK = 1000
const quiet = new Logger(() => () => {})

const preset = (task) => ({ worker: { connectionString: task.url, logger: quiet, ...task.preset } })
const jobs = (task, size) =>
  Array.from({ length: size }, () => ({ identifier: 'nothing', payload: task.payload }))

async function install(task) {
  await runMigrations({ preset: preset(task) })
}

async function fill(task) {
  const utils = await makeWorkerUtils({ preset: preset(task) })
  for (let left = task.jobs; left > 0; left -= BULK) {
    await utils.addJobs(jobs(task, Math.min(BULK, left)))
  }
  await utils.release()
}

async function work(task) {
  const counter = new Counter()
  return handleUntilTold(counter, async () => {
    const runner = await run({
      preset: preset(task),
      noHandleSignals: true,
      taskList: { nothing: async () => counter.count(1) },
    })
    return () => runner.stop()
  })
}

async function enqueue(task) {
  const mine = { worker: { ...preset(task).worker, maxPoolSize: task.connections } }
  const utils = await makeWorkerUtils({ preset: mine })
  return enqueueFor(
    task,
    () => utils.addJob('nothing', task.payload),
    (size) => utils.addJobs(jobs(task, size)),
  )
}

async function latency(task) {
  const ups = new PickUps()
  const runner = await run({
    preset: preset(task),
    noHandleSignals: true,
    taskList: { nothing: async () => ups.picked() },
  })
  const found = await ups.measure(task, () => runner.addJob('nothing', task.payload))
  await runner.stop()
  return found
}

await main({ install, fill, work, enqueue, latency })
