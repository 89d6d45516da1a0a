//! A file of users, as it comes: taken apart into one text for each user, whatever its length, with the line where each begins and the byte
//! where each ends. JSON lines, one JSON list, or an object that has the list under `users`.

use super::super::json::JsonObject;

/// The longest text of one user, in bytes.
pub const LONGEST_USER: usize = 2 << 20;
/// So much of the beginning tells which shape a file has.
pub const HEAD: usize = 1 << 20;

/// How the users of a file stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One in each line.
    Lines,
    /// In a list, which may be the member `users` of an object.
    List,
}

impl Shape {
    /// The shape of a file that begins so.
    pub fn of(head: &[u8]) -> Self {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if head.first() == Some(&b'[') {
            return Self::List;
        }
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match std::str::from_utf8(line).ok().and_then(|line| JsonObject::parse(line).ok()) {
            Some(object) if object.get("users").is_some_and(|users| users.as_array().is_some()) => Self::List,
            Some(_) => Self::Lines,
            // The first line ends within an object: it is written over several lines, or is broken and others follow.
            None if line.ends_with(b"}") || line.ends_with(b"}\r") => Self::Lines,
            None => Self::List,
        }
    }
}

/// What stands in a file in the place of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The line where it begins, from 1.
    pub line: u64,
    /// The byte behind it.
    pub end: u64,
    /// Its text, or why there is none.
    pub text: Result<String, &'static str>,
}

/// Takes a file apart.
#[derive(Debug)]
pub struct Splitter {
    shape: Shape,
    offset: u64,
    line: u64,
    piece: Vec<u8>,
    piece_line: u64,
    too_long: bool,
    /// Braces and brackets that are open within a piece.
    depth: usize,
    in_string: bool,
    escaped: bool,
    place: Place,
    /// The last text of the object around the list.
    key: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the list; so many braces and brackets are open.
    Before(usize),
    Within,
    Behind,
}

const NO_TEXT: &str = "the text is not UTF-8";
const TOO_LONG: &str = "the user is longer than 2 MiB";

impl Splitter {
    /// From the beginning, or from behind a piece.
    pub fn from(shape: Shape, offset: u64, line: u64) -> Self {
        let place = if offset == 0 && shape == Shape::List { Place::Before(0) } else { Place::Within };
        Self {
            shape,
            offset,
            line: line + 1,
            piece: Vec::new(),
            piece_line: line + 1,
            too_long: false,
            depth: 0,
            in_string: false,
            escaped: false,
            place,
            key: Vec::new(),
        }
    }

    /// The lines that are done.
    pub fn lines(&self) -> u64 {
        self.line - 1
    }

    /// Reads on; what is complete is added.
    pub fn read(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) {
        for &byte in bytes {
            self.offset += 1;
            match self.shape {
                Shape::Lines if byte == b'\n' => self.end(self.offset, pieces),
                Shape::Lines => self.take(byte),
                Shape::List => self.in_list(byte, pieces),
            }
            if byte == b'\n' {
                self.line += 1;
                if self.piece.is_empty() {
                    self.piece_line = self.line;
                }
            }
        }
    }

    /// The file has ended.
    pub fn finish(mut self, pieces: &mut Vec<Piece>) {
        let at = self.offset;
        let (line, place) = (self.line, self.place);
        self.end(at, pieces);
        let why = match place {
            Place::Before(_) => "there is no list of users in the file",
            Place::Within => "the file ends within the list of users: it was cut",
            Place::Behind => return,
        };
        if self.shape == Shape::List {
            pieces.push(Piece { line, end: at, text: Err(why) });
        }
    }

    fn take(&mut self, byte: u8) {
        if self.piece.is_empty() {
            self.piece_line = self.line;
            if byte.is_ascii_whitespace() {
                return;
            }
        }
        if self.piece.len() < LONGEST_USER { self.piece.push(byte) } else { self.too_long = true }
    }

    fn end(&mut self, at: u64, pieces: &mut Vec<Piece>) {
        let bytes = std::mem::take(&mut self.piece);
        let too_long = std::mem::take(&mut self.too_long);
        (self.depth, self.in_string, self.escaped) = (0, false, false);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii();
        if bytes.is_empty() {
            return;
        }
        let text = if too_long { Err(TOO_LONG) } else { std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| NO_TEXT) };
        pieces.push(Piece { line: self.piece_line, end: at, text });
    }

    /// Is this byte part of a text in quotes?
    fn quoted(&mut self, byte: u8) -> bool {
        if !self.in_string {
            self.in_string = byte == b'"';
            return self.in_string;
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
        true
    }

    fn in_list(&mut self, byte: u8, pieces: &mut Vec<Piece>) {
        match self.place {
            Place::Behind => {}
            Place::Before(depth) => self.before(byte, depth),
            Place::Within => {
                if self.quoted(byte) {
                    return self.take(byte);
                }
                match byte {
                    b',' if self.depth == 0 => self.end(self.offset, pieces),
                    b']' if self.depth == 0 => {
                        self.end(self.offset, pieces);
                        self.place = Place::Behind;
                    }
                    b'{' | b'[' => {
                        self.depth += 1;
                        self.take(byte);
                    }
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        self.take(byte);
                        if self.depth == 0 {
                            self.end(self.offset, pieces);
                        }
                    }
                    _ => self.take(byte),
                }
            }
        }
    }

    fn before(&mut self, byte: u8, depth: usize) {
        let began = !self.in_string;
        if self.quoted(byte) {
            if depth == 1 {
                if began {
                    self.key.clear();
                } else if self.in_string && self.key.len() < 16 {
                    self.key.push(byte);
                }
            }
            return;
        }
        match byte {
            b'[' if depth == 0 || depth == 1 && self.key == b"users" => self.place = Place::Within,
            b'{' | b'[' => self.place = Place::Before(depth + 1),
            b'}' | b']' => self.place = Place::Before(depth.saturating_sub(1)),
            // The value of another member.
            b',' if depth == 1 => self.key.clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines and texts of a file, read in parts of so many bytes.
    fn split(text: &str, part: usize) -> Vec<(u64, Result<String, &'static str>)> {
        let mut splitter = Splitter::from(Shape::of(text.as_bytes()), 0, 0);
        let mut pieces = Vec::new();
        text.as_bytes().chunks(part).for_each(|bytes| splitter.read(bytes, &mut pieces));
        splitter.finish(&mut pieces);
        pieces.into_iter().map(|piece| (piece.line, piece.text)).collect()
    }

    #[test]
    fn each_shape_gives_its_users_with_their_lines() {
        let ok = |line: u64, text: &str| (line, Ok(text.to_owned()));
        for part in [1, 3, 1000] {
            assert_eq!(
                split("{\"a\":1}\n\n  {\"b\":\"x\\n\"}\r\n{\"c\":", part),
                [ok(1, "{\"a\":1}"), ok(3, "{\"b\":\"x\\n\"}"), ok(4, "{\"c\":")]
            );
            let list = "[\n {\"a\":\"],[{\\\"\"},\n 5 ,\n {\"b\":[{}]}\n]\n";
            assert_eq!(split(list, part), [ok(2, "{\"a\":\"],[{\\\"\"}"), ok(3, "5"), ok(4, "{\"b\":[{}]}")]);
            let wrapped =
                "{\n \"realm\": \"users\", \"roles\": [{\"users\": [1]}],\n \"users\": [\n {\"a\":1}\n ], \"more\": [2]\n}";
            assert_eq!(split(wrapped, part), [ok(4, "{\"a\":1}")]);
            assert_eq!(split("{\"users\":[{\"a\":1},{\"b\":2}]}", part), [ok(1, "{\"a\":1}"), ok(1, "{\"b\":2}")]);
        }
    }

    #[test]
    fn what_is_cut_is_said() {
        let said = split("[{\"a\":1},{\"b\"", 1000);
        assert_eq!(said[0].1, Ok("{\"a\":1}".to_owned()));
        assert_eq!(said[2].1, Err("the file ends within the list of users: it was cut"));
        assert_eq!(split("{\n\"a\": 1\n}", 1000)[0].1, Err("there is no list of users in the file"));
        assert_eq!(split("", 1000).len(), 1);
        let long = format!("{{\"a\":1}}\n{}\n{{\"b\":2}}", "x".repeat(LONGEST_USER + 1));
        let said = split(&long, 4096);
        assert_eq!((said.len(), said[1].1.clone()), (3, Err(TOO_LONG)));
    }

    #[test]
    fn it_goes_on_behind_any_piece() {
        for text in ["{\"a\":1}\n{\"b\":2}\nbroken\n{\"c\":3}\n", "[{\"a\":1},\n{\"b\":2},\n5,{\"c\":3}]"] {
            let shape = Shape::of(text.as_bytes());
            let (mut whole, mut splitter) = (Vec::new(), Splitter::from(shape, 0, 0));
            splitter.read(text.as_bytes(), &mut whole);
            for (n, piece) in whole.iter().enumerate() {
                let end = usize::try_from(piece.end).unwrap();
                let lines = text[..end].matches('\n').count();
                let (mut rest, mut splitter) = (Vec::new(), Splitter::from(shape, piece.end, u64::try_from(lines).unwrap()));
                splitter.read(&text.as_bytes()[end..], &mut rest);
                assert_eq!(rest, whole[n + 1..], "{text} behind {n}");
            }
        }
    }
}
