// pg-boss with batches, fetched without a pause while they come full, and woken by NOTIFY.

import { PgBoss } from 'pg-boss'
import { Counter, PickUps, enqueueFor, handleUntilTold, main } from './protocol.mjs'

const QUEUE = 'bench'
const BULK = 1000

async function started(task, options = {}) {
  const boss = new PgBoss({ connectionString: task.url, ...task.instance, ...options })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  return boss
}

const jobs = (task, size) => Array.from({ length: size }, () => ({ data: task.payload }))

async function install(task) {
  const boss = await started(task)
  await boss.createQueue(QUEUE, task.queue)
  await boss.stop()
}

async function fill(task) {
  const boss = await started(task)
  for (let left = task.jobs; left > 0; left -= BULK) {
    await boss.insert(QUEUE, jobs(task, Math.min(BULK, left)))
  }
  await boss.stop()
}

async function work(task) {
  const counter = new Counter()
  return handleUntilTold(counter, async () => {
    const boss = await started(task)
    await boss.work(QUEUE, task.worker, async (batch) => counter.count(batch.length))
    return () => boss.stop()
  })
}

async function enqueue(task) {
  const boss = await started(task, { max: task.connections })
  return enqueueFor(
    task,
    () => boss.send(QUEUE, task.payload),
    (size) => boss.insert(QUEUE, jobs(task, size)),
  )
}

async function latency(task) {
  const ups = new PickUps()
  const boss = await started(task)
  await boss.work(QUEUE, task.worker, async () => ups.picked())
  const found = await ups.measure(task, () => boss.send(QUEUE, task.payload))
  await boss.stop()
  return found
}

await main({ install, fill, work, enqueue, latency })
