//! Texts that nobody would write: letters, marks, digits and signs of every kind that a view treats by itself, thrown
//! together, always the same. What two ways of reading agree upon here they agree upon everywhere.

/// What the texts are made of: what is there more than once comes more often.
const LETTERS: &str = "○〇●◎□■△▲☆◆*×❌※?_#@♥$& xX\n\n\t。、・・--ーーのの.「」（）()\u{200b}\u{202e}\u{202c}\u{301}\u{3099}\u{3099}゛ﾞ\
    \u{e0061}\u{3164}\u{fe0f}\u{336}🌸一二三四五六七八九ぜろれいまるちにさんよごくなしはきゅうゆゼロキュウ0123456789０１２bit.lyＢＩＴ/:\
    口力夕工卜千才木アカガメンヲ部外秘極密限り死取扱注意學祕%26amp;<>㈱㊙①Ⅲ²éñрас!|+{}[]時分日月年午前後からpaswordé";

/// Texts of up to sixty letters.
pub(in crate::inspect) fn texts(count: usize) -> impl Iterator<Item = String> {
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below
    };
    (0..count).map(move |_| {
        // A few letters each, so that they meet.
        let few: Vec<char> = (0..2 + next(12)).map(|_| letters[next(letters.len())]).collect();
        (0..1 + next(60)).map(|_| few[next(few.len())]).collect()
    })
}
