"""JupyterLab and the desk's page, on this machine and for this user alone.

project prepares a folder, token_check refuses everybody without the token, lab and page start the
two servers.
"""
