/** Texts that are no ULIDs, and what the older system says of each, without the field's name. */
export const badIds: Readonly<Record<string, string>> = {
  '': 'ulidString must be exactly 26 chars long.',
  '01DB5QXD4NP0XQTV92K42B3XB': 'ulidString must be exactly 26 chars long.',
  '01DB5QXD4NP0XQTV92K42B3XBFF': 'ulidString must be exactly 26 chars long.',
  '01DB5QXD4NP0XQTV92K42B3XBU': "Illegal character 'U'!",
  '01DB5QXD4NP0XQTV92K42B3XB😀': "Illegal character '😀'!",
  '8ZZZZZZZZZZZZZZZZZZZZZZZZZ': "ulidString must not exceed '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'!",
  // What becomes a letter of the alphabet in upper case.
  '01DB5QXD4NP0XQTV92K42B3XBſ': "Illegal character 'ſ'!",
  '01DB5QXD4NP0XQTV92K42B3Xß': 'ulidString must be exactly 26 chars long.',
  // What means something to NATS, to SQL or to a path.
  '*': 'ulidString must be exactly 26 chars long.',
  '>': 'ulidString must be exactly 26 chars long.',
  '01DB5QXD4NP0XQTV92K42B3X.*': "Illegal character '.'!",
  '01DB5QXD4NP0XQTV92K42B3X>>': "Illegal character '>'!",
  "1' OR '1'='1' -- ' OR '1'=": `Illegal character '''!`,
  '01DB5QXD4NP0XQTV92K42B3X%_': "Illegal character '%'!",
  '../../../../etc/passwd....': "Illegal character '.'!",
};
