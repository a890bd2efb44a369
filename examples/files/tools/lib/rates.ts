/** No tool, and imported by one. */
export const euro: { readonly [currency: string]: number } = { dollar: 0.9, pound: 1.2 }
