// Seeds of runs that once broke a promise, and what was wrong. They run every time; a change of the commands gives a seed another run.

export const corpus: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 2, found: '`tick` asked the database in circles while a connection had its share under way' },
  { seed: 151, found: 'two deliveries of the same words looked at the same moment and took the same post for theirs' },
  { seed: 2814, found: 'a delivery that was overdue took the post that another one of the same words had just sent' },
  { seed: 116505, found: 'a word that came late was taken for what the delivery had become since' },
  { seed: 122516, found: 'a renewed pair was given up after fifteen seconds without a database' },
]
