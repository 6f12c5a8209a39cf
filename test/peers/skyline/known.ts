import type { Faults } from '../suites/outcomes.ts'

/** What is known not to work at Skyline, by why. */
export const FAULTS: Faults = {
  'Skyline’s own: how many addresses of a network are left it asks as whoever looks, and Neutron tells that administrators alone.':
    ['demo: Network › Networks › one of them'],
}
