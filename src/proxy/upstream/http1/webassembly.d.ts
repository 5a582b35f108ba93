// What is used of WebAssembly, which the declarations of Node.js leave to those of browsers.
declare namespace WebAssembly {
  interface Instance {
    readonly exports: unknown
  }
  interface Memory {
    readonly buffer: ArrayBuffer
  }
  const Module: new (bytes: Uint8Array) => object
  const Instance: new (
    module: object,
    imports: Record<string, Record<string, (parser: number, a: number, b: number) => number>>,
  ) => Instance
  function validate(bytes: Uint8Array): boolean
}
