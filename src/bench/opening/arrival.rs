//! When people come after the opening.

use std::time::Duration;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Everybody in the first moment.
    AtOnce,
    /// As many in each second.
    Uniform,
    /// Most of them at the beginning, then fewer and fewer.
    Decay,
}

/// The mean of the decay before it is cut off at the end: two thirds have come after about a quarter of the time.
const DECAY_MEANS: f64 = 4.0;

impl Shape {
    /// When somebody comes; `fraction` (0 to 1) is drawn evenly.
    pub fn at(self, fraction: f64, over: Duration) -> Duration {
        let part = match self {
            Self::AtOnce => 0.0,
            Self::Uniform => fraction,
            Self::Decay => -(1.0 - fraction * (1.0 - (-DECAY_MEANS).exp())).ln() / DECAY_MEANS,
        };
        over.mul_f64(part.clamp(0.0, 1.0))
    }
}

/// A time with an exponential distribution of the given mean; `fraction` (0 to 1) is drawn evenly. At most ten means.
pub fn exponential(fraction: f64, mean: Duration) -> Duration {
    let means = -(1.0 - fraction).max(f64::MIN_POSITIVE).ln();
    mean.mul_f64(means.clamp(0.0, 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVER: Duration = Duration::from_secs(100);

    /// How many of 10,000 evenly spread fractions have come by a time.
    fn come_by(shape: Shape, seconds: u64) -> usize {
        let at = |step: u32| shape.at(f64::from(step) / 10_000.0, OVER);
        (0..10_000).filter(|step| at(*step) <= Duration::from_secs(seconds)).count()
    }

    #[test]
    fn everybody_comes_within_the_time() {
        for shape in [Shape::AtOnce, Shape::Uniform, Shape::Decay] {
            assert_eq!(come_by(shape, 100), 10_000, "{shape:?}");
            assert_eq!(shape.at(0.0, OVER), Duration::ZERO, "{shape:?}");
            assert!(shape.at(1.0, OVER) <= OVER, "{shape:?}");
            assert_eq!(shape.at(0.7, Duration::ZERO), Duration::ZERO, "{shape:?}");
        }
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        assert_eq!(come_by(Shape::AtOnce, 0), 10_000);
        assert!((2_490..2_510).contains(&come_by(Shape::Uniform, 25)));
        // 1 - 1/e of an uncut decay, a little more of one that is cut off at four means.
        assert!((6_400..6_500).contains(&come_by(Shape::Decay, 25)), "{}", come_by(Shape::Decay, 25));
        assert!(come_by(Shape::Decay, 50) > 8_700);
    }

    #[test]
    fn exponential_times_have_their_mean_and_an_end() {
        let mean = Duration::from_secs(10);
        let times = (0..10_000).map(|step| exponential(f64::from(step) / 10_000.0, mean).as_secs_f64());
        let average = times.sum::<f64>() / 10_000.0;
        assert!((9.9..10.1).contains(&average), "{average}");
        assert_eq!(exponential(1.0, mean), mean * 10);
        assert_eq!(exponential(0.5, Duration::ZERO), Duration::ZERO);
    }
}
