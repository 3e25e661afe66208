package throttle

import "net/netip"

// ipv6Network is the prefix that one customer usually holds at least: limits
// per single IPv6 address would be no limits.
const ipv6Network = 64

// The prefixes of IPv6 addresses that hold an IPv4 address.
var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixTo4 = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// Network returns what a limit per client network counts by: the IPv4 address
// or the IPv6 /64. What is no address counts as one network. An address that holds
// an IPv4 address counts as that: all of IPv4 is one /64 behind NAT64, where one
// client would lock out all others, and 65,536 of them behind each 6to4 router.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	addr = unwrap(addr.Unmap().WithZone(""))
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(ipv6Network)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

// unwrap returns the IPv4 address that an IPv6 address holds, else the address.
func unwrap(addr netip.Addr) netip.Addr {
	raw := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(raw[12:]))
	case sixTo4.Contains(addr):
		return netip.AddrFrom4([4]byte(raw[2:6]))
	default:
		return addr
	}
}
