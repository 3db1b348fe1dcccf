// The public surface of @syndikit/storage-prisma. A list of exports and nothing else.

export type { PrismaTransaction, PrismaWithSyndikit } from './client.ts'
export { type PrismaStorageOptions, prismaStorage } from './prisma-storage.ts'
export type { Provider } from './provider.ts'
