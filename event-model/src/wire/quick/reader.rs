//! JSON's tokens, read one after the other (RFC 8259): each is given only where it is right and of a plain kind.
//! What stands inside of an object of the sender's own is looked at, measured, and kept as text.

use crate::json::Shape;

/// Digits of a number that fits both a signed and an unsigned one of 64 bits.
const DIGITS: usize = 18;

/// Objects and arrays inside one another that are followed.
const DEPTH: usize = 64;

/// Goes through a text. Where something was not given, nobody knows how far it went.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Where the next byte stands that is no white space.
    pub(super) fn ahead(&mut self) -> Option<usize> {
        self.next()?;
        self.at -= 1;
        Some(self.at)
    }

    /// Begins again there.
    pub(super) fn back_to(&mut self, start: usize) {
        self.at = start;
    }

    /// What was read from there on.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Only white space is left.
    pub(super) fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }

    /// The next byte that is no white space.
    pub(super) fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Goes behind that byte where it comes next.
    pub(super) fn next_is(&mut self, byte: u8) -> bool {
        let before = self.at;
        let is_next = self.next() == Some(byte);
        if !is_next {
            self.at = before;
        }
        is_next
    }

    /// Whether another member follows, or the object ends.
    pub(super) fn goes_on(&mut self) -> Option<bool> {
        match self.next()? {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    /// A string without escapes.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = start + special(self.rest())?;
        self.at = end + 1;
        (self.text.as_bytes()[end] == b'"').then(|| &self.text[start..end])
    }

    /// A whole number from 0, short enough to fit.
    pub(super) fn number(&mut self) -> Option<u64> {
        let first = digit(self.next()?)?;
        let mut value = u64::from(first);
        for place in 1..DIGITS {
            match self.text.as_bytes().get(self.at)? {
                b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r' => return Some(value),
                // No number of several digits begins with 0.
                _ if first == 0 && place == 1 => return None,
                byte => value = value * 10 + u64::from(digit(*byte)?),
            }
            self.at += 1;
        }
        None
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.next()? {
            b't' => self.word("rue").map(|()| true),
            b'f' => self.word("alse").map(|()| false),
            _ => None,
        }
    }

    /// Goes behind what must come next, letter by letter.
    fn word(&mut self, word: &str) -> Option<()> {
        self.rest().starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// Any object, measured on the way to its end.
    pub(super) fn object(&mut self) -> Option<(&'a str, Shape)> {
        let start = self.ahead()?;
        self.expect(b'{')?;
        let mut shape = Shape { depth: 1, keys: 0 };
        // What is open, the innermost in the lowest bit: 1 for an object.
        let (mut objects, mut open) = (1u64, 1usize);
        let mut is_empty = true;
        while open > 0 {
            let is_object = objects & 1 == 1;
            let end = if is_object { b'}' } else { b']' };
            let mut byte = self.next()?;
            if byte != end {
                if !is_empty {
                    (byte == b',').then_some(())?;
                    byte = self.next()?;
                }
                if is_object {
                    (byte == b'"').then_some(())?;
                    self.string_end()?;
                    self.expect(b':')?;
                    shape.keys += 1;
                    byte = self.next()?;
                }
                is_empty = matches!(byte, b'{' | b'[');
                if is_empty {
                    (open < DEPTH).then_some(())?;
                    objects = objects << 1 | u64::from(byte == b'{');
                    open += 1;
                    shape.depth = shape.depth.max(open);
                } else {
                    self.plain(byte)?;
                }
            } else {
                objects >>= 1;
                open -= 1;
                is_empty = false;
            }
        }
        Some((self.since(start), shape))
    }

    /// Goes behind a string, a number or a word that begins with `first`.
    fn plain(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.string_end(),
            b't' => self.word("rue"),
            b'f' => self.word("alse"),
            b'n' => self.word("ull"),
            b'-' => {
                let first = *self.rest().first()?;
                self.at += 1;
                self.number_end(first)
            }
            _ => self.number_end(first),
        }
    }

    /// Goes behind a number that begins with this digit.
    fn number_end(&mut self, first: u8) -> Option<()> {
        digit(first)?;
        if first != b'0' {
            self.digits();
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            (self.digits() > 0).then_some(())?;
        }
        if matches!(self.rest(), [b'e' | b'E', ..]) {
            self.at += if matches!(self.rest(), [_, b'+' | b'-', ..]) { 2 } else { 1 };
            (self.digits() > 0).then_some(())?;
        }
        Some(())
    }

    /// Goes behind digits, and tells how many there are.
    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// Goes behind the quote that ends a string.
    fn string_end(&mut self) -> Option<()> {
        loop {
            self.at += special(self.rest())? + 1;
            match self.text.as_bytes()[self.at - 1] {
                b'"' => return Some(()),
                b'\\' => match self.rest() {
                    [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 1,
                    [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => {
                        self.at += 5;
                    }
                    _ => return None,
                },
                // A control character must be escaped.
                _ => return None,
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

/// Where the first `"`, `\` or control character stands, eight bytes looked at in one step.
fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The high bit of each byte that is below a bound of at most 128, and perhaps of bytes behind the first such one.
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word & (ONES << 7);
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = is(word, b'"') | is(word, b'\\') | below(word, b' ');
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
    Some(words.len() * 8 + found)
}
