"""Collecting a bill: real-time debit under an agreement, scan to pay, reversal, receipts."""
