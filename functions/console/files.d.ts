/** A style sheet: what is imported is there, and gives nothing. */
declare module '*.css'
