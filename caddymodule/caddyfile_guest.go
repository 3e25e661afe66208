package caddymodule

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// guestOption reads the name and the configuration of a replaceable part.
func guestOption(namespace string, to *json.RawMessage) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		if *to != nil {
			return d.Errf("%s is set already", d.Val())
		}
		if !d.NextArg() {
			return d.ArgErr()
		}
		driver := d.Val()
		if _, err := caddy.GetModule(namespace + "." + driver); err != nil {
			return unknown(d, driver, driversOf(namespace))
		}
		guest, err := caddyfile.UnmarshalModule(d, namespace+"."+driver)
		if err != nil {
			return err
		}
		*to = caddyconfig.JSONModuleObject(guest, "driver", driver, nil)
		return nil
	}
}

// driversOf returns the names of the parts that are compiled in.
func driversOf(namespace string) (names []string) {
	for _, info := range caddy.GetModules(namespace) {
		names = append(names, strings.TrimPrefix(string(info.ID), namespace+"."))
	}
	return names
}
