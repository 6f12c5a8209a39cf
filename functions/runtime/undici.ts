// A CommonJS package that is itself imported only when it is needed has no names in a build: here it gets them.
export { Agent, buildConnector, fetch } from 'undici'
