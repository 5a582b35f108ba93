/** Encodes one value as application/x-www-form-urlencoded (RFC 6749 appendix B): UTF-8, space as `+`. */
export function formEncode(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1)
}
