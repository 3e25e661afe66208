package throttle

import "net/netip"

// ipv6Network is the prefix that one customer usually holds at least: limits
// per single IPv6 address would be no limits.
const ipv6Network = 64

// Network returns what a limit per client network counts by: the IPv4 address
// or the IPv6 /64. What is no address counts as one network.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(ipv6Network)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}
