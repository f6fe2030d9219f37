//! Whether a server under a steady load stays as it was: memory and latency, minute by minute.
//! Measuring is left to `load`.

use std::fmt;

/// The longest that an answer may take, also while a broker is away.
const LONGEST_US: u32 = 3_000_000;
/// What memory may grow by from the second minute on: caches fill, and an allocator keeps some.
const GROWTH_BYTES: u64 = 16 << 20;
/// The same as a share, in percent.
const GROWTH_PERCENT: u64 = 20;
/// How many times the latency of the calm minutes before a later one may have, beside a few milliseconds of noise.
const SLOWER: u32 = 2;
const NOISE_US: u32 = 20_000;

/// What one minute was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// Counted from 1.
    pub number: u32,
    /// Events acknowledged in it.
    pub events: u64,
    /// Events refused in it.
    pub refused: u64,
    /// Half of the batches were answered within that.
    pub p50_us: u32,
    /// 99 of 100 were.
    pub p99_us: u32,
    /// All were.
    pub max_us: u32,
    /// What the server held at its end.
    pub memory_bytes: u64,
    /// Whether a broker was hurt in it, or was just coming back.
    pub is_hurt: bool,
}

/// What stands above the lines of [`Minute`].
pub const HEAD: &str = "minute    events  refused   p50 ms   p99 ms   max ms   memory MiB";

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u32| f64::from(us) / 1000.0;
        write!(
            f,
            "{:>6} {:>9} {:>8} {:>8.1} {:>8.1} {:>8.1} {:>12.1}{}",
            self.number,
            self.events,
            self.refused,
            ms(self.p50_us),
            ms(self.p99_us),
            ms(self.max_us),
            self.memory_bytes as f64 / f64::from(1 << 20),
            if self.is_hurt { "   broker away or coming back" } else { "" }
        )
    }
}

/// What was not as it should be, in words. The first minute fills caches and is not compared.
pub fn judge(minutes: &[Minute]) -> Vec<String> {
    let mut broken = Vec::new();
    for minute in minutes {
        if minute.refused > 0 {
            broken.push(format!("{} events were refused in minute {}", minute.refused, minute.number));
        }
        if minute.max_us > LONGEST_US {
            broken.push(format!("a batch waited {} ms in minute {}", minute.max_us / 1000, minute.number));
        }
    }
    let warm = minutes.get(1..).unwrap_or_default();
    if let [first, .., last] = warm {
        let most = first.memory_bytes + (first.memory_bytes * GROWTH_PERCENT / 100).max(GROWTH_BYTES);
        // What a broker's absence took is to be given back by the end.
        if last.memory_bytes > most {
            broken.push(format!(
                "memory grew from {} to {} bytes, of at most {most}",
                first.memory_bytes, last.memory_bytes
            ));
        }
    }
    let calm: Vec<&Minute> = minutes.iter().filter(|minute| !minute.is_hurt).collect();
    // With three minutes the first is all that is calm before the broker is hurt.
    if let [first, .., last] = calm[..] {
        let most = first.p99_us * SLOWER + NOISE_US;
        if last.p99_us > most {
            broken.push(format!("p99 went from {} to {} us, of at most {most}", first.p99_us, last.p99_us));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: u32) -> Minute {
        let memory_bytes = 60 << 20;
        let (p50_us, p99_us, max_us) = (8_000, 15_000, 80_000);
        Minute { number, events: 1, refused: 0, p50_us, p99_us, max_us, memory_bytes, is_hurt: false }
    }

    #[test]
    fn what_stays_as_it_was_is_fine_also_with_a_slow_minute_while_a_broker_is_away() {
        let hurt = Minute { is_hurt: true, p99_us: 900_000, ..minute(3) };
        assert_eq!(judge(&[minute(1), minute(2), hurt, minute(4)]), Vec::<String>::new());
    }

    #[test]
    fn each_way_of_getting_worse_is_told() {
        for (last, words) in [
            (Minute { memory_bytes: 80 << 20, ..minute(4) }, "memory grew"),
            (Minute { p99_us: 60_000, ..minute(4) }, "p99 went from 15000 to 60000"),
            (Minute { refused: 20, ..minute(4) }, "20 events were refused in minute 4"),
            (Minute { max_us: 3_500_000, is_hurt: true, ..minute(4) }, "waited 3500 ms"),
        ] {
            let broken = judge(&[minute(1), minute(2), minute(3), last]);
            assert!(broken.len() == 1 && broken[0].contains(words), "{broken:?} for {words}");
        }
    }
}
