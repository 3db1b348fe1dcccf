// Where the databases differ, as data. Everything else of a statement is the same in all of them.

/** How a column is typed, and how a member of a batch's JSON is read. */
type Type = 'text' | 'int'
export type Columns = Readonly<Record<string, Type>>

export interface Dialect {
  /** Of the n-th parameter, from 1; with a type where the database could not tell it from what stands around. */
  placeholder(index: number, type?: Type): string
  /** Epoch milliseconds by the database's clock, fixed within a statement and usable as an index condition. */
  readonly now: string
  readonly types: {
    /** Text that is indexed; where the database wants a length, it has one. */
    readonly key: string
    /** The same for an address. */
    readonly url: string
    readonly text: string
    readonly int: string
    /** A number that grows with every insert and is never given twice, as primary key. */
    readonly identity: string
  }
  /** After the last parenthesis of a `create table`. */
  readonly table: string
  /** The same for tables whose rows change several times in their life. */
  readonly busyTable: string
  /** After a `create index`; empty where the database knows no partial index: then the index is only larger. */
  partial(condition: string): string
  /** The rows of the batch in parameter `name`, as something to select from; a member that is not in `columns` is ignored. */
  rows(name: string, columns: Columns): string
  /** The strings, or numbers, of the JSON array in parameter `name`, as the right side of `in`; `:*name` are its members as parameters of their own. */
  list(name: string, type?: Type): string
  /** After an `insert … select`; `:into` is the table that it inserts into. Passes over rows whose unique columns exist; `condition` is that of a partial index. */
  ignore(columns: readonly string[], condition?: string): string
  /** Sets columns of `table`, named `d`, from a batch named `u`. */
  update(table: string, sets: Readonly<Record<string, string>>, rows: string, on: string): string
  /**
   * Set where an update leaves an index alone whose columns it does not change: then a delivery that became final keeps its active key until another one wants it, and the
   * settle does not touch that index, in which every key lies on a page of its own.
   */
  readonly keepsKeys?: true
  /** After a `select` inside a transaction: nobody changes these rows until its end. */
  readonly lock: string
  /** The same for the rows of `d`, passing over those that somebody else holds. */
  readonly lockFree: string
  /** Run first by a migration, so that several processes migrate one after the other; null where every transaction already excludes the others. */
  readonly migrating: string | null
  /** Answers a row where `syndikit_meta` exists already: `create table if not exists` may take a right that a mere user of the tables lacks. */
  readonly isMade: string
  /** Answers a row where that statement of a migration was run already; null where a transaction makes all of them or none. */
  isDone(statement: string): string | null
  /** Whether texts that differ in spaces at their ends are equal. */
  readonly padsSpaces: boolean
}
