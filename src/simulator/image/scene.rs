//! What a picture shows: a sky of two colours and one motif before it, all following from a seed.
//!
//! Lengths are in heights of the picture (x runs from 0 to 16/9 in a wide one), so a picture looks the same in every size.

use std::f32::consts::TAU;
use std::ops::Range;

use fastrand::Rng;

/// Red, green and blue, each 0 to 255.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colour(pub(super) [f32; 3]);

impl Colour {
    /// From a hue in turns, saturation and lightness 0 to 1.
    fn hsl(hue: f32, saturation: f32, lightness: f32) -> Self {
        let reach = saturation * lightness.min(1.0 - lightness);
        let channel = |offset: f32| {
            let at = (offset + hue.rem_euclid(1.0) * 12.0).rem_euclid(12.0);
            255.0 * (lightness - reach * (at - 3.0).min(9.0 - at).clamp(-1.0, 1.0))
        };
        Self([channel(0.0), channel(8.0), channel(4.0)])
    }

    /// This colour with `share` (0 to 1) of `other`.
    fn mixed(self, other: Self, share: f32) -> Self {
        let share = share.clamp(0.0, 1.0);
        let mix = |index: usize| self.0[index] + (other.0[index] - self.0[index]) * share;
        Self([mix(0), mix(1), mix(2)])
    }
}

/// One picture, ready to be drawn row by row.
pub(super) struct Scene {
    width: u16,
    height: u16,
    sky: [Colour; 2],
    motif: Motif,
}

/// What stands before the sky.
enum Motif {
    /// Ridges one behind the other under a sun. `tops` holds, a column, where each ridge begins.
    Hills { sun: Disc, ridges: [Colour; 3], tops: Vec<[f32; 3]> },
    /// Beams from one point.
    Rays { from: (f32, f32), beams: f32, turn: f32, light: Colour },
    /// Lights out of focus.
    Lights(Vec<Disc>),
    /// Broad slanted bands.
    Bands { slope: f32, breadth: f32, colours: [Colour; 3] },
    /// A mosaic.
    Mosaic { tile: f32, seed: u32, colours: [Colour; 3] },
    /// Ripples around one point.
    Ripples { from: (f32, f32), breadth: f32, light: Colour },
    /// A wave of bars, as players show sound. `bars` holds the half height of each.
    Wave { bars: Vec<f32>, ink: Colour },
}

struct Disc {
    at: (f32, f32),
    radius: f32,
    colour: Colour,
    opacity: f32,
}

impl Scene {
    /// The scene of a seed; the size is needed for what is worked out once a column.
    pub(super) fn from_seed(seed: u64, width: u16, height: u16) -> Self {
        let mut rng = Rng::with_seed(seed);
        let hue = rng.f32();
        let sky = [
            Colour::hsl(hue, 0.55, between(&mut rng, 0.25..0.45)),
            Colour::hsl(hue + between(&mut rng, 0.05..0.2), 0.6, 0.68),
        ];
        let aspect = f32::from(width) / f32::from(height);
        let motif = match rng.u8(0..6) {
            0 => hills(&mut rng, hue, width, height),
            1 => rays(&mut rng, hue, aspect),
            2 => lights(&mut rng, hue, aspect),
            3 => bands(&mut rng, hue),
            4 => mosaic(&mut rng, hue),
            _ => ripples(&mut rng, hue, aspect),
        };
        Self { width, height, sky, motif }
    }

    /// The one picture of all sound.
    pub(super) fn sound_wave(width: u16, height: u16) -> Self {
        let bars =
            (0..64).map(|bar| 0.05 + 0.27 * ((bar as f32 * 0.55).sin() * (bar as f32 * 0.21).cos()).abs()).collect();
        let grey = |lightness| Colour::hsl(0.6, 0.08, lightness);
        Self { width, height, sky: [grey(0.22), grey(0.34)], motif: Motif::Wave { bars, ink: grey(0.82) } }
    }

    /// The colours of row `y` from left to right.
    pub(super) fn row(&self, y: u16) -> impl Iterator<Item = Colour> {
        let pixel = 1.0 / f32::from(self.height);
        let v = (f32::from(y) + 0.5) * pixel;
        let sky = self.sky[0].mixed(self.sky[1], v);
        let middle = 0.5 * f32::from(self.width) * pixel;
        (0..self.width).map(move |x| {
            let u = (f32::from(x) + 0.5) * pixel;
            let colour = self.motif.over(sky, usize::from(x), (u, v), pixel);
            let (across, down) = ((u - middle) / middle.max(pixel), (v - 0.5) * 2.0);
            colour.mixed(Colour([0.0; 3]), 0.16 * (across * across + down * down))
        })
    }
}

impl Motif {
    /// The colour at a point (column `x`), given the sky there and the size of a pixel.
    fn over(&self, sky: Colour, x: usize, (u, v): (f32, f32), pixel: f32) -> Colour {
        match self {
            Self::Hills { sun, ridges, tops } => {
                let lit = sun.over(sky, (u, v), pixel);
                tops[x].iter().zip(ridges).fold(lit, |under, (top, ridge)| under.mixed(*ridge, (v - top) / pixel))
            }
            Self::Rays { from, beams, turn, light } => {
                let (dx, dy) = (u - from.0, v - from.1);
                let wave = (dy.atan2(dx) * beams + turn).sin();
                let distance = (dx * dx + dy * dy).sqrt();
                sky.mixed(*light, (0.5 + wave * distance * 40.0).clamp(0.0, 1.0) * (0.75 - 0.4 * distance).max(0.12))
            }
            Self::Lights(discs) => discs.iter().fold(sky, |under, disc| disc.over(under, (u, v), pixel)),
            Self::Bands { slope, breadth, colours } => {
                let band = (u + v * slope) / breadth;
                match (band.floor() as i64).rem_euclid(4) {
                    0 => sky,
                    index => sky.mixed(colours[index as usize - 1], 0.8),
                }
            }
            Self::Mosaic { tile, seed, colours } => {
                let draw = scatter((u / tile) as u32, (v / tile) as u32, *seed);
                sky.mixed(colours[(draw % 3) as usize], (draw >> 8 & 0xff) as f32 / 300.0)
            }
            Self::Ripples { from, breadth, light } => {
                let (dx, dy) = (u - from.0, v - from.1);
                let distance = (dx * dx + dy * dy).sqrt();
                sky.mixed(*light, (0.5 + 0.5 * (distance * TAU / breadth).sin()) * (0.8 - 0.5 * distance).max(0.1))
            }
            Self::Wave { bars, ink } => {
                let at = u / 0.035;
                let half = bars[at as usize % bars.len()];
                let inside = at.fract() < 0.6 && (v - 0.5).abs() < half;
                if inside { *ink } else { sky }
            }
        }
    }
}

impl Disc {
    fn over(&self, under: Colour, (u, v): (f32, f32), pixel: f32) -> Colour {
        let (dx, dy) = (u - self.at.0, v - self.at.1);
        let reach = self.radius + pixel;
        let squared = dx * dx + dy * dy;
        if squared >= reach * reach {
            return under;
        }
        under.mixed(self.colour, (reach - squared.sqrt()) / pixel * self.opacity).mixed(under, 1.0 - self.opacity)
    }
}

fn hills(rng: &mut Rng, hue: f32, width: u16, height: u16) -> Motif {
    let turn = between(rng, 0.25..0.6);
    let ridges = [0.42, 0.3, 0.18].map(|lightness| Colour::hsl(hue + turn, 0.4, lightness));
    let sun = Disc {
        at: (between(rng, 0.2..1.5), between(rng, 0.15..0.45)),
        radius: between(rng, 0.07..0.16),
        colour: Colour::hsl(hue + 0.5, 0.9, 0.82),
        opacity: 1.0,
    };
    let waves: [(f32, f32, f32); 3] =
        std::array::from_fn(|_| (between(rng, 2.0..5.0), between(rng, 0.0..TAU), between(rng, 0.03..0.09)));
    let tops = (0..width).map(|x| ridge_tops(f32::from(x) / f32::from(height), &waves)).collect();
    Motif::Hills { sun, ridges, tops }
}

fn ridge_tops(u: f32, waves: &[(f32, f32, f32); 3]) -> [f32; 3] {
    std::array::from_fn(|ridge| {
        let (frequency, shift, swing) = waves[ridge];
        let rough = (u * frequency * 3.1 + shift * 1.7).sin() * 0.3;
        0.5 + 0.16 * ridge as f32 + swing * ((u * frequency + shift).sin() + rough)
    })
}

fn rays(rng: &mut Rng, hue: f32, aspect: f32) -> Motif {
    Motif::Rays {
        from: (between(rng, 0.2..0.8) * aspect, between(rng, 0.3..1.1)),
        beams: f32::from(rng.u8(5..16)),
        turn: between(rng, 0.0..TAU),
        light: Colour::hsl(hue + between(rng, 0.08..0.3), 0.85, 0.75),
    }
}

fn lights(rng: &mut Rng, hue: f32, aspect: f32) -> Motif {
    let count = rng.usize(7..14);
    let disc = |_| Disc {
        at: (between(rng, 0.0..1.0) * aspect, between(rng, 0.0..1.0)),
        radius: between(rng, 0.05..0.24),
        colour: Colour::hsl(hue + between(rng, -0.15..0.25), 0.8, 0.7),
        opacity: between(rng, 0.25..0.7),
    };
    Motif::Lights((0..count).map(disc).collect())
}

fn bands(rng: &mut Rng, hue: f32) -> Motif {
    Motif::Bands { slope: between(rng, -1.4..1.4), breadth: between(rng, 0.07..0.22), colours: trio(rng, hue) }
}

fn mosaic(rng: &mut Rng, hue: f32) -> Motif {
    Motif::Mosaic { tile: 1.0 / f32::from(rng.u8(4..11)), seed: rng.u32(..), colours: trio(rng, hue) }
}

fn ripples(rng: &mut Rng, hue: f32, aspect: f32) -> Motif {
    Motif::Ripples {
        from: (between(rng, 0.1..0.9) * aspect, between(rng, 0.1..0.9)),
        breadth: between(rng, 0.06..0.2),
        light: Colour::hsl(hue + between(rng, 0.1..0.5), 0.7, 0.72),
    }
}

/// Three colours that go together.
fn trio(rng: &mut Rng, hue: f32) -> [Colour; 3] {
    let step = between(rng, 0.06..0.16);
    [1.0, 2.0, 3.0].map(|steps| Colour::hsl(hue + step * steps, 0.65, 0.35 + 0.1 * steps))
}

fn between(rng: &mut Rng, range: Range<f32>) -> f32 {
    range.start + (range.end - range.start) * rng.f32()
}

/// A number that looks drawn by chance, the same for the same tile.
fn scatter(column: u32, row: u32, seed: u32) -> u32 {
    let mut mixed = column.wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca77) ^ seed;
    mixed = (mixed ^ mixed >> 15).wrapping_mul(0xc2b2_ae3d);
    mixed ^ mixed >> 13
}
