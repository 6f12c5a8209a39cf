/** Tests import what they test; the Worker they run in has nothing to add. */
export default {}
