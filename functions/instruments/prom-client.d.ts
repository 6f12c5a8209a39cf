/** The registry by itself: what is beside it in the package measures a process of Node. */
declare module 'prom-client/lib/registry.js' {
  export { Registry as default } from 'prom-client'
}
