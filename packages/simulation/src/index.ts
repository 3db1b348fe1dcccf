// What the tests of storages use of the simulation.

export { type SimulationSuite, simulationSuite } from './suite.ts'
