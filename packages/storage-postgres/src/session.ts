// One transaction on one connection. Where the connection allows it, a statement that answers no rows is not waited for: the next one follows on its heels.

import { drive, type Row, type Statement, type Work } from '@syndikit/storage-sql'
import { isForgetful, isLost, outcomeUnknown } from './errors.ts'
import type { PooledClient } from './pool.ts'
import { isSilent, toConfig, toRows } from './statements.ts'

const none: readonly Row[] = []
const ignore = () => {}

/** Sends statements in their order. A failure is told at the next statement that is waited for; what was sent in between, the server has refused. */
const lineTo = (client: PooledClient, prepare: boolean) => {
  let unanswered: Promise<unknown>[] = []
  return async (statement: Statement): Promise<readonly Row[]> => {
    const answer = client.query(toConfig(statement, prepare))
    if (client.pipeline === true && isSilent(statement.sql)) {
      answer.catch(ignore)
      unanswered.push(answer)
      return none
    }
    const before = unanswered
    unanswered = []
    await Promise.all([...before, answer])
    return toRows(await answer)
  }
}

// A plan is kept as long as its connection, and one that was made while a table was small, or before it was analysed, would walk through it when it is large.
// Every statement of a verb has an index to go by; jit would compile what no index can help.
const byIndex = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_material', 'jit'].map((name) => `set local ${name} = off`)
// Two transactions decide by what the other one committed, row by row; a stricter default of the host's would refuse them instead.
const begin: Statement = { sql: ['begin isolation level read committed', ...byIndex].join('; '), params: [] }
const commit: Statement = { sql: 'commit', params: [] }
const rollback: Statement = { sql: 'rollback', params: [] }

/** One read, planned as a verb's statements are. Where the connection allows it, its end is not waited for: there is nothing to lose in it. */
export const readOn = async (client: PooledClient, statement: Statement, prepare: boolean, spoil: () => void): Promise<readonly Row[]> => {
  const query = lineTo(client, prepare)
  try {
    await query(begin)
    const rows = await query(statement)
    const ending = query(commit).catch(ignore)
    if (client.pipeline !== true) await ending
    return rows
  } catch (error) {
    if (isLost(error)) spoil()
    else await query(rollback).catch(spoil)
    if (isForgetful(error)) spoil()
    throw error
  }
}

/** Runs the work once, from `begin` to `commit`, or rolls back and throws. `spoil` tells that the connection must not be used again. */
export const transactionOn = async <T>(client: PooledClient, work: () => Work<T>, prepare: boolean, spoil: () => void): Promise<T> => {
  const query = lineTo(client, prepare)
  let isCommitting = false
  try {
    await query(begin)
    const result = await drive(work(), query)
    isCommitting = true
    await query(commit)
    return result
  } catch (error) {
    if (isLost(error)) {
      spoil()
      throw isCommitting ? outcomeUnknown(error) : error
    }
    await query(rollback).catch(spoil)
    if (isForgetful(error)) spoil()
    throw error
  }
}
