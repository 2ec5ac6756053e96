import assert from 'node:assert/strict';
import fc from 'fast-check';
import { emailAddress } from './email-address.js';

describe('an e-mail address', () => {
  it('is the same in all spellings that mean one mailbox', () => {
    const spellings = [
      'ann@bücher.example',
      'ANN@BÜCHER.EXAMPLE',
      'Ann@xn--bcher-kva.example',
      'ann@bu\u0308cher.example',
    ];
    assert.deepEqual(new Set(spellings.map((text) => emailAddress(text)?.key)), new Set(['ann@xn--bcher-kva.example']));
    assert.equal(emailAddress('Ann.B+x@Example.com')?.shown, 'Ann.B+x@example.com');
  });

  it('is another one where only a provider knows that it is the same', () => {
    assert.notEqual(emailAddress('a.b@gmail.com')?.key, emailAddress('ab@gmail.com')?.key);
    assert.notEqual(emailAddress('a+b@gmail.com')?.key, emailAddress('a@gmail.com')?.key);
  });

  it('cannot look like another one', () => {
    // Cyrillic а and р, before and behind the @.
    assert.equal(emailAddress('аnn@example.com'), undefined);
    assert.equal(emailAddress('ann@раураl.com')?.shown, 'ann@xn--l-7sba6dbr.com');
    assert.equal(emailAddress('ａnn@example.com'), undefined);
  });

  it('is none when mail could not be sent to it, or to somewhere else', () => {
    const wrong = [
      ...['', '@', 'ann', 'ann@', '@example.com', 'a@b@example.com', 'ann@example..com', 'ann@example.com/x', 'ann@x?y.com'],
      ...['ann@x.com\n', 'ann@x\0.com', ' ann@x.com', 'ann@x.com ', 'ann@x.com:25', 'ann@[127.0.0.1]', 'ann@127.0.0.1'],
      ...['ann@example.com\uD800', 'a\uDC00@x.com', `${'a'.repeat(65)}@x.com`, `a@${'b'.repeat(260)}.com`, 'ann@xn--zz.com', 'ann%0a@x.com\r'],
    ]; // prettier-ignore
    for (const text of wrong) assert.equal(emailAddress(text), undefined, JSON.stringify(text));
  });

  it('stays what it is when it is read again, and is ASCII, whatever people type', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).map((text) => `a@${text}.example`),
        (text) => {
          const read = emailAddress(text);
          if (read === undefined) return;
          assert.match(read.key, /^[!-~]+$|^"[ -~]+"@[!-~]+$/);
          assert.deepEqual(emailAddress(read.shown), read);
          assert.equal(emailAddress(read.key)?.key, read.key);
        },
      ),
    );
  });
});
