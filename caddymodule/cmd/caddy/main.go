// Command caddy is Caddy with its standard modules and Sigra, the program that
// xcaddy would generate.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/sigra-auth/sigra/caddymodule"
)

func main() { caddycmd.Main() }
