//! Guides: one task each. Every program in them is compiled and run as a test.

macro_rules! guide {
    ($name:ident, $file:literal) => {
        #[doc = include_str!(concat!("../guides/", $file))]
        pub mod $name {}
    };
}

guide!(protect_a_route, "01-protect-a-route.md");
guide!(log_in_and_out, "02-log-in-and-out.md");
guide!(roles_by_claims, "03-roles-by-claims.md");
guide!(several_sub_domains, "04-several-sub-domains.md");
guide!(mobile_and_header_mode, "05-mobile-and-header-mode.md");
guide!(errors, "06-errors.md");
guide!(change_what_the_sdk_does, "07-change-what-the-sdk-does.md");
guide!(pages_rendered_on_the_server, "08-pages-rendered-on-the-server.md");
guide!(websockets, "09-websockets.md");
guide!(embedded_and_several_cores, "10-embedded-and-several-cores.md");
