export { type Column, type Index, type Table, tables } from './tables.ts'
