// A connector in a few lines, over SQLite in memory: what an author of a driver writes, and a place to listen to the statements.
import { DatabaseSync } from 'node:sqlite'
import { driveNow, type Row, type SqlConnector, type Statement } from '@syndikit/storage-sql'

export const memoryConnector = (db = new DatabaseSync(':memory:'), hear: (sql: string) => void = () => {}): SqlConnector<DatabaseSync> => {
  const run = ({ sql, params }: Statement) => {
    hear(sql)
    return db.prepare(sql).all(...params) as Row[]
  }
  return {
    dialect: 'sqlite',
    query: async (statement) => run(statement),
    transaction: async (work) => {
      db.exec('begin immediate')
      try {
        const result = driveNow(work(), run)
        db.exec('commit')
        return result
      } catch (error) {
        db.exec('rollback')
        throw error
      }
    },
    within: async (_, work) => driveNow(work(), run),
    close: async () => {},
  }
}
