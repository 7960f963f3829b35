//! Corner marks of QR codes (ISO/IEC 18004 6.3.3.1): dark and light in the ratio 1:1:3:1:1, across and down.

/// Marks that are told apart; more are not counted.
const MANY: usize = 600;

/// How many corner marks a picture may hold. `light`: light ones on dark.
pub(super) fn count(width: usize, height: usize, shades: &[u8], light: bool) -> usize {
    let dark = darkened(width, shades, light);
    let mut marks: Vec<(usize, usize, usize)> = Vec::new();
    for (y, row) in dark.chunks_exact(width).enumerate() {
        let mut runs = Runs::default();
        for (x, is_dark) in row.iter().copied().chain([!row.last().copied().unwrap_or_default()]).enumerate() {
            let Some(module) = runs.next(is_dark) else { continue };
            let middle = x - runs.behind_middle();
            let known = |mark: &(usize, usize, usize)| {
                mark.0.abs_diff(middle) <= mark.2 * 4 && mark.1.abs_diff(y) <= mark.2 * 4
            };
            if !marks.iter().any(known) && stands(&dark, width, height, middle, y, module) {
                marks.push((middle, y, module.max(1)));
                if marks.len() >= MANY {
                    return marks.len();
                }
            }
        }
    }
    marks.len()
}

/// Which pixels are darker than the mean around them in their row.
fn darkened(width: usize, shades: &[u8], light: bool) -> Vec<bool> {
    let window = (width / 8).max(8);
    let mut dark = Vec::with_capacity(shades.len());
    let mut sums: Vec<u32> = Vec::with_capacity(width + 1);
    for row in shades.chunks_exact(width) {
        sums.clear();
        sums.push(0);
        let mut sum = 0_u32;
        for shade in row {
            sum += u32::from(*shade);
            sums.push(sum);
        }
        for (x, shade) in row.iter().enumerate() {
            let (from, to) = (x.saturating_sub(window), (x + window).min(width));
            let total = sums.get(to).copied().unwrap_or_default() - sums.get(from).copied().unwrap_or_default();
            let mean = total / u32::try_from(to - from).unwrap_or(u32::MAX).max(1);
            let shade = u32::from(*shade);
            dark.push(if light { shade * 95 > mean * 100 } else { shade * 100 < mean * 95 });
        }
    }
    dark
}

/// The lengths of the last five runs in a row.
#[derive(Default)]
struct Runs {
    lengths: [usize; 5],
    is_dark: bool,
    length: usize,
}

impl Runs {
    /// Takes a pixel; where it ends a mark, the size of a module.
    fn next(&mut self, is_dark: bool) -> Option<usize> {
        if is_dark == self.is_dark {
            self.length += 1;
            return None;
        }
        let ended_dark = self.is_dark;
        self.lengths.rotate_left(1);
        if let Some(last) = self.lengths.last_mut() {
            *last = self.length;
        }
        self.is_dark = is_dark;
        self.length = 1;
        if ended_dark { module(self.lengths) } else { None }
    }

    /// Pixels between the end of the mark and its middle.
    fn behind_middle(&self) -> usize {
        let [_, _, middle, light, dark] = self.lengths;
        dark + light + middle.div_ceil(2)
    }
}

/// The size of a module where five runs are about 1:1:3:1:1.
fn module(lengths: [usize; 5]) -> Option<usize> {
    let total: usize = lengths.iter().sum();
    if total < 7 || lengths.contains(&0) {
        return None;
    }
    // In sevenths of the whole, and three quarters of a module to either side.
    let fits = |length: usize, modules: usize| (length * 28).abs_diff(total * modules * 4) <= total * 3;
    let [a, b, c, d, e] = lengths;
    (fits(a, 1) && fits(b, 1) && fits(c, 3) && fits(d, 1) && fits(e, 1)).then_some(total / 7)
}

/// Whether the mark stands upright, too: the same runs in the column through its middle.
fn stands(dark: &[bool], width: usize, height: usize, x: usize, y: usize, module_across: usize) -> bool {
    let at = |y: usize| dark.get(y * width + x).copied();
    if at(y) != Some(true) {
        return false;
    }
    let most = module_across * 8 + 8;
    // Upwards and downwards: the rest of the middle, a light run, a dark run.
    let runs = |up: bool| {
        let mut lengths = [0_usize; 3];
        let mut wanted = [true, false, true].into_iter().zip(lengths.iter_mut());
        let mut now = wanted.next();
        for step in 1..=most {
            let next = if up { y.checked_sub(step) } else { Some(y + step).filter(|y| *y < height) };
            let Some(is_dark) = next.and_then(at) else { break };
            while now.as_ref().is_some_and(|(wanted, _)| *wanted != is_dark) {
                now = wanted.next();
            }
            match &mut now {
                Some((_, length)) => **length += 1,
                None => break,
            }
        }
        drop(wanted);
        lengths
    };
    let ([up, light_up, dark_up], [down, light_down, dark_down]) = (runs(true), runs(false));
    module([dark_up, light_up, up + down + 1, light_down, dark_down]).is_some()
}
