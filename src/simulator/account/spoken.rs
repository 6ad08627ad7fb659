//! What is said in the shows: caption files in every format, encoding and state that people upload.

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Srt,
    WebVtt,
    Dfxp,
    /// SubRip from a program that saves UTF-16 with a byte-order mark.
    SrtInUtf16,
    /// SubRip in Latin-1.
    SrtInLatin1,
    /// SubRip edited by hand: a time is broken, another runs backwards.
    SrtByHand,
}

impl Style {
    /// One after the other; most files are plain. What is said decides whether Latin-1 can hold it, and differs from UTF-8.
    pub(super) fn of(number: usize, said: &[String]) -> Self {
        let has_marks = said.iter().any(|line| !line.is_ascii());
        match number % 9 {
            1 | 5 => Self::WebVtt,
            2 => Self::Dfxp,
            3 => Self::SrtInUtf16,
            4 => Self::SrtByHand,
            0 | 6..=8 if has_marks && latin1(&said.concat()).is_some() => Self::SrtInLatin1,
            _ => Self::Srt,
        }
    }

    /// As the API numbers it.
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::Dfxp => "2",
            Self::WebVtt => "3",
            _ => "1",
        }
    }

    /// The end of the file's name.
    pub(super) fn file_ext(self) -> &'static str {
        match self {
            Self::Dfxp => "dfxp",
            Self::WebVtt => "vtt",
            _ => "srt",
        }
    }

    /// A file in which this is said, a line every four seconds.
    pub(super) fn file(self, lines: &[String]) -> Vec<u8> {
        let text = match self {
            Self::WebVtt => web_vtt(lines),
            Self::Dfxp => dfxp(lines),
            Self::SrtByHand => by_hand(lines),
            _ => srt(lines),
        };
        match self {
            Self::SrtInUtf16 => utf16(&text),
            Self::SrtInLatin1 => latin1(&text).unwrap_or_else(|| text.into_bytes()),
            _ => text.into_bytes(),
        }
    }
}

/// The title is announced, then the description's sentences are said.
pub(super) fn lines(title: &str, description: &str) -> Vec<String> {
    const ENDS: [char; 5] = ['.', '?', '!', '。', '।'];
    let sentences = description.split_inclusive(ENDS).map(str::trim).filter(|sentence| !sentence.is_empty());
    [title].into_iter().chain(sentences).map(str::to_owned).collect()
}

const STEP_S: usize = 4;

fn clock(second: usize, mark: char) -> String {
    format!("{:02}:{:02}:{:02}{mark}500", second / 3600, second / 60 % 60, second % 60)
}

fn srt(lines: &[String]) -> String {
    let cue = |(at, line): (usize, &String)| {
        let (start, end) = (clock(at * STEP_S, ','), clock(at * STEP_S + 3, ','));
        format!("{}\r\n{start} --> {end}\r\n{line}\r\n\r\n", at + 1)
    };
    lines.iter().enumerate().map(cue).collect()
}

fn web_vtt(lines: &[String]) -> String {
    let cue = |(at, line): (usize, &String)| {
        let (start, end) = (clock(at * STEP_S, '.'), clock(at * STEP_S + 3, '.'));
        format!("{start} --> {end} align:start\n<v Narrator>{}\n\n", escaped(line))
    };
    let cues: String = lines.iter().enumerate().map(cue).collect();
    format!("WEBVTT\n\nNOTE made for the web player\n\n{cues}")
}

fn dfxp(lines: &[String]) -> String {
    let cue = |(at, line): (usize, &String)| {
        let (start, end) = (clock(at * STEP_S, '.'), clock(at * STEP_S + 3, '.'));
        format!("      <p begin=\"{start}\" end=\"{end}\">{}</p>\n", escaped(line))
    };
    let cues: String = lines.iter().enumerate().map(cue).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tt xmlns=\"http://www.w3.org/2006/10/ttaf1\" xml:lang=\"\">\n  \
         <head/>\n  <body>\n    <div>\n{cues}    </div>\n  </body>\n</tt>\n"
    )
}

/// The first time has letters in it, and the last cue ends before it begins.
fn by_hand(lines: &[String]) -> String {
    let broken = format!("1\n00:00:0O,500 --> 00:00:02,000\nNobody can tell when this is said.\n\n{}", srt(lines));
    format!("{broken}99\n00:09:00,000 --> 00:08:00,000\n…\n")
}

fn escaped(line: &str) -> String {
    line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

/// `None` when a letter is not in it.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}
