"""Offline payment (离线支付): devices, loads, vouchers, terminals, redemption and evidence."""
