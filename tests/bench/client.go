package main

import "strings"

// client is a kind of client, by the header lines that it sends with a page
// load besides Host and Cookie. What a proxy costs grows with their number.
type client string

const (
	// browser sends what Chromium does: nearly every request with a session
	// comes from one.
	browser client = "browser"
	// minimal sends as little as a page load can have.
	minimal client = "minimal"
)

func (c client) headers() string {
	lines := []string{"User-Agent: bench", "Accept: text/html"}
	if c == browser {
		lines = []string{
			`Connection: keep-alive`,
			`Sec-CH-UA: "Chromium";v="140", "Not=A?Brand";v="24"`,
			`Sec-CH-UA-Mobile: ?0`,
			`Sec-CH-UA-Platform: "Linux"`,
			`Upgrade-Insecure-Requests: 1`,
			`User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36`,
			`Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8`,
			`Sec-Fetch-Site: none`,
			`Sec-Fetch-Mode: navigate`,
			`Sec-Fetch-User: ?1`,
			`Sec-Fetch-Dest: document`,
			`Accept-Encoding: gzip, deflate, br, zstd`,
			`Accept-Language: en-GB,en;q=0.9`,
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}
