# The journal of what vflag did. The spec in /etc/vflag is the operator's, and stays.
rm -f /var/lib/vflag/journal.jsonl /var/lib/vflag/journal.jsonl.1
rmdir /var/lib/vflag 2>/dev/null || true
