export type Provider = 'postgresql' | 'mysql' | 'sqlite'
