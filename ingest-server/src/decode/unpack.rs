//! Unpacks a body within the bound of a batch.
//! A small body that would unpack to a large one is cut off at the bound, never unpacked whole.

mod gzip;

use crate::refusal::Refused;
use footfall_event_model::limits::BATCH_BYTES;
use footfall_event_model::wire::BatchError;
use std::io::Read;

/// How a body is encoded (RFC 9110, section 8.4; RFC 8878 for zstd).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
}

impl Encoding {
    /// The encoding of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The window that a zstd frame may ask memory for, as a power of two: the 8 MiB that RFC 8878 (section 3.1.1.1.2)
/// wants every decoder to take. One thread unpacks one body at a time, so it is had a few times at most.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Unpacks a body.
///
/// # Errors
/// [`Refused`] where the body is not what its encoding says, or unpacks to more than a batch may have.
pub fn unpack(encoding: Encoding, body: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let packed = body.as_slice();
    let broken =
        |error: std::io::Error| Refused::NotEncoded { encoding: encoding.name(), error: error.to_string() };
    match encoding {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => {
            let length = gzip::length(packed);
            let small = length.filter(|length| *length <= FREE_BYTES);
            if let Some(unpacked) = small.and_then(|length| gzip::one_member(packed, length)) {
                return Ok(unpacked);
            }
            let decoder = flate2::bufread::MultiGzDecoder::new(packed);
            bounded(decoder, packed.len(), length).map_err(broken)?
        }
        Encoding::Brotli => {
            let decoder = brotli_decompressor::Decompressor::new(packed, 4096);
            bounded(decoder, packed.len(), None).map_err(broken)?
        }
        Encoding::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            bounded(decoder, packed.len(), None).map_err(broken)?
        }
    }
}

/// How many bytes one packed byte may become. Events that differ in their ids alone reach 50.
const RATIO: usize = 200;
/// Bytes that come out whatever the ratio: a small body of one word repeated is no attack.
const FREE_BYTES: usize = 64 * 1024;

/// Reads to the end or to a bound, whichever comes first: the batch's own, or what a body of that size may become.
/// `length` is what it is said to become, for which there is room at once.
fn bounded(
    decoder: impl Read,
    packed: usize,
    length: Option<usize>,
) -> std::io::Result<Result<Vec<u8>, Refused>> {
    let bound = packed.saturating_mul(RATIO).clamp(FREE_BYTES, BATCH_BYTES);
    // One byte more, in which the end is seen without growing.
    let mut unpacked = Vec::with_capacity(length.map_or(0, |length| length.min(FREE_BYTES) + 1));
    decoder.take(bound as u64 + 1).read_to_end(&mut unpacked)?;
    if unpacked.len() <= bound {
        return Ok(Ok(unpacked));
    }
    Ok(Err(if bound == BATCH_BYTES { BatchError::TooLarge.into() } else { Refused::Ratio(RATIO) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    /// What no packer makes smaller, `bytes` of it, and spaces up to `length`.
    fn noise_and_spaces(bytes: usize, length: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut text = vec![b' '; length];
        for byte in &mut text[..bytes] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        text
    }

    /// The noise in one meta-block as it is (RFC 7932, section 9.2), and behind it what another packer made of the spaces.
    fn brotli(noise: &[u8], spaces: [u8; 12]) -> Vec<u8> {
        let head = 0x0b | ((noise.len() as u32 - 1) << 7) | 1 << 23;
        [&head.to_le_bytes()[..3], noise, &spaces].concat()
    }

    /// The bytes of `noise_and_spaces(3000, length)` in each encoding.
    fn packed(length: usize) -> [(Encoding, Vec<u8>); 3] {
        let text = noise_and_spaces(3_000, length);
        let spaces = match length {
            BATCH_BYTES => *b"\x75\x44\x7f\xf8\x25\x40\xe2\xb1\x40\x20\x80\xfd",
            _ => *b"\x85\x44\x7f\xf8\x25\x40\xe2\xb1\x40\x40\x80\xfd",
        };
        let mut brotli = brotli(&text[..3_000], spaces);
        brotli.push(0);
        [
            (Encoding::Gzip, gzip(&text)),
            (Encoding::Zstd, zstd::encode_all(&text[..], 3).unwrap()),
            (Encoding::Brotli, brotli),
        ]
    }

    #[test]
    fn a_body_is_unpacked_to_the_last_byte_that_a_batch_may_have_and_not_beyond() {
        for (encoding, body) in packed(BATCH_BYTES) {
            // Large enough that the ratio is no bound.
            assert!((BATCH_BYTES / RATIO + 1..5_000).contains(&body.len()), "{encoding:?} {}", body.len());
            assert!(unpack(encoding, body).unwrap() == noise_and_spaces(3_000, BATCH_BYTES), "{encoding:?}");
        }
        for (encoding, body) in packed(BATCH_BYTES + 1) {
            let refused = unpack(encoding, body).unwrap_err();
            assert!(matches!(refused, Refused::Batch(BatchError::TooLarge)), "{encoding:?} {refused}");
        }
    }

    #[test]
    fn a_small_body_is_unpacked_to_the_bytes_that_are_free_and_not_beyond() {
        // 64 KiB of spaces, one more, and 512 KiB, of Node's packer.
        let brotli: [(usize, &[u8]); 3] = [
            (FREE_BYTES, b"\x1b\xff\xff\xf8\x25\x40\xe2\xb1\x40\x20\xf7\x1e\x00"),
            (FREE_BYTES + 1, b"\x5b\x00\x00\x81\x5f\x02\x24\x1e\x0b\x04\x74\xef\x01\x00"),
            (BATCH_BYTES, b"\x5b\xff\xff\x87\x5f\x02\x24\x1e\x0b\x04\x72\xef\x0f\x00"),
        ];
        for (length, brotli) in brotli {
            let text = vec![b' '; length];
            for (encoding, body) in [
                (Encoding::Gzip, gzip(&text)),
                (Encoding::Zstd, zstd::encode_all(&text[..], 3).unwrap()),
                (Encoding::Brotli, brotli.to_vec()),
            ] {
                match unpack(encoding, body) {
                    Ok(unpacked) => {
                        assert!(length == FREE_BYTES && unpacked == text, "{encoding:?} {length}")
                    }
                    Err(Refused::Ratio(RATIO)) => assert!(length > FREE_BYTES, "{encoding:?}"),
                    Err(refused) => panic!("{encoding:?} {length}: {refused}"),
                }
            }
        }
    }

    #[test]
    fn members_of_gzip_are_unpacked_one_behind_the_other_and_what_follows_them_is_refused() {
        let (first, second) = (gzip(b"{\"events\":"), gzip(b"[]}"));
        let both = [first.clone(), second.clone()].concat();
        assert_eq!(unpack(Encoding::Gzip, both.clone()).unwrap(), b"{\"events\":[]}");
        let twice = [second.clone(), second.clone()].concat();
        assert_eq!(unpack(Encoding::Gzip, twice).unwrap(), b"[]}[]}");
        for (body, length) in [(&both, 3), (&first, 9), (&first, 11)] {
            assert_eq!(gzip::one_member(body, length), None, "{length}");
        }
        assert_eq!(gzip::one_member(&first, 10).as_deref(), Some(&b"{\"events\":"[..]));
        // Behind it, what a look at the end alone would take for its own.
        let behind = [second.as_slice(), second.last_chunk::<8>().unwrap()].concat();
        assert_eq!(unpack(Encoding::Gzip, behind).unwrap_err().code(), "bad_encoding");
        // A checksum of the head (RFC 1952, FHCRC), which is wrong.
        let mut marked = second.clone();
        marked[3] = 2;
        marked.splice(10..10, [0, 0]);
        assert_eq!(unpack(Encoding::Gzip, marked).unwrap_err().code(), "bad_encoding");
        let mut changed = second;
        let checksum = changed.len() - 8;
        changed[checksum] ^= 1;
        assert_eq!(unpack(Encoding::Gzip, changed).unwrap_err().code(), "bad_encoding");
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        assert_eq!(unpack(Encoding::Gzip, gzip(b"{}")).unwrap(), b"{}");
        assert_eq!(unpack(Encoding::Zstd, zstd::encode_all(&b"{}"[..], 3).unwrap()).unwrap(), b"{}");
        // `{}` in Brotli: one uncompressed meta-block.
        assert_eq!(unpack(Encoding::Brotli, vec![0x8b, 0x00, 0x80, b'{', b'}', 0x03]).unwrap(), b"{}");
        assert_eq!(unpack(Encoding::Identity, b"{}".to_vec()).unwrap(), b"{}");
    }

    #[test]
    fn a_bomb_is_cut_off_at_the_bound() {
        let zeros = vec![b' '; 64 << 20];
        for (encoding, bomb) in [
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Zstd, zstd::encode_all(&vec![b' '; BATCH_BYTES + 1][..], 3).unwrap()),
        ] {
            assert!(bomb.len() < 100_000);
            assert_eq!(unpack(encoding, bomb).unwrap_err().code(), "batch_too_large", "{encoding:?}");
        }
    }

    #[test]
    fn a_body_that_swells_beyond_any_batch_is_cut_off_early() {
        let packed = zstd::encode_all(&vec![b' '; 100_000][..], 3).unwrap();
        assert!(packed.len() * RATIO < 100_000);
        let refused = unpack(Encoding::Zstd, packed).unwrap_err();
        assert!(matches!(refused, Refused::Ratio(RATIO)) && refused.code() == "batch_too_large");
        let small = zstd::encode_all(&vec![b' '; FREE_BYTES][..], 3).unwrap();
        assert_eq!(unpack(Encoding::Zstd, small).unwrap().len(), FREE_BYTES);
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_refused_in_words() {
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let refused = unpack(encoding, b"{\"events\":[]}".to_vec()).unwrap_err();
            assert_eq!(refused.code(), "bad_encoding", "{encoding:?}");
            assert!(refused.to_string().starts_with(&format!("the body is not {}", encoding.name())));
        }
        let cut = gzip(b"{\"events\":[]}");
        assert_eq!(unpack(Encoding::Gzip, cut[..cut.len() - 5].to_vec()).unwrap_err().code(), "bad_encoding");
    }
}
