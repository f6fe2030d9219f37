//! The codecs of record batches, by Kafka's own names.

use std::fmt;
use std::str::FromStr;

/// The codec of record batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// gzip (zlib).
    Gzip,
    /// Snappy: little CPU on both sides.
    #[default]
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard: the smallest, at more CPU.
    Zstd,
}

impl Compression {
    const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Its name in Kafka's `compression.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no compression; one of none, gzip, snappy, lz4, zstd is"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_is_read_by_its_name() {
        assert!("brotli".parse::<Compression>().unwrap_err().contains("zstd"));
        assert_eq!("lz4".parse(), Ok(Compression::Lz4));
    }
}
